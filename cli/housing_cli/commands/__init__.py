"""The commands of ``housing``, a module each."""
