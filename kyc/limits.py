"""How large a picture may be; apart from the decoder, which the server process need not load."""

# A 12 megapixel phone photo at the best JPEG quality is about 8 MB.
BYTES_MAX = 12 * 1024 * 1024
# 40 megapixels decode to 120 MB, what one picture may cost.
PIXELS_MAX = 40_000_000
# Below 400 pixels on the long side an identity card's portrait has no 30 pixels between the eyes.
LONG_SIDE_MIN = 400
