"""The suite runs under maskgate's pytest plug-in: `pytest properties/ --subject current`."""

pytest_plugins = ["maskgate.engines.plugin"]
