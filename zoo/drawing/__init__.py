"""Pictures as functions of arrays, each in a module by subject, in one style. Importing this imports no framework.

`curves` learning curves, `outcome` confusions, mistakes and regression, `plane` decision boundaries, `inside` filters
and feature maps, `masks` classes of pixels, `boxes` images with boxes, `detections` the boxes that were found,
`sequences` attention and forecasts, `diagram` the architecture as SVG, `sheet` what a dataset looks like, `costs`
scores by parameters and time, `style` the look and `save`.
"""
