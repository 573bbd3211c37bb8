"""`python -m infratrack` is the same as `infratrack`."""

from infratrack.cli import main

if __name__ == "__main__":
    main()
