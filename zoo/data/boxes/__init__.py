"""Own images with boxes: recognised and read, in the forms of Pascal VOC, COCO and YOLO. Importing this is light."""

from zoo.data.boxes.files import count, infer, read, read_images, with_room
from zoo.data.boxes.finding import WANTED, find, holds

__all__ = ["WANTED", "count", "find", "holds", "infer", "read", "read_images", "with_room"]
