"""Why a network says what it says: which pixels count, what each layer makes of an image, and what excites it."""
