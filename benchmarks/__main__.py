"""``python -m benchmarks``: this project and its peers, side by side."""

from benchmarks.speed import main

if __name__ == "__main__":
    main()
