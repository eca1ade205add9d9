"""maskgate: what a Keras/TensorFlow installation does with masked and weighted losses."""

__version__ = "0.1.0"
