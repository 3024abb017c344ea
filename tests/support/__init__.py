"""What the tests of images and stack share."""
