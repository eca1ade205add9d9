"""Import shims: what lets an old Keras be imported on a newer Python and TensorFlow.

The files of this folder are copied into an environment that names them, as the package
`maskgate_shims`, and one line of a `.pth` file there installs each at interpreter start. They
import the standard library alone, and run inside the environment, never in maskgate's own process.

A shim serves names that an import looks for and no longer finds. None replaces, wraps or rounds
anything that takes part in the computation of a loss, a gradient or a metric: those are the
release's own source, on TensorFlow's own kernels. The first paragraph of each module's docstring
is what a report says of it.
"""
