"""The same views through OpenGL (pyrender): the second, cross-checked backend, shaded portraits and GLB files."""
