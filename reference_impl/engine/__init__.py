"""The numbers of the reference at speed and scale: by blocks, in threads, beyond memory, on workers.

The sums over data points run over blocks of rows (`sums`), of one array, of a file (`streaming`)
or of Dask workers (`distributed`); `estimation` fits by them, `separation` proves that there is no
estimate, `inference` says what an estimate is worth.
"""
