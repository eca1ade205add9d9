"""`python -m maskgate`."""

from maskgate.cli import main

if __name__ == "__main__":
    main()
