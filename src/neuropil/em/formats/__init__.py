"""The formats that volumes come in: HDF5, Zarr, TIFF, images of sections, NIfTI, NRRD; read only when sliced."""
