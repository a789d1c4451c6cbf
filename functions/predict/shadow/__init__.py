"""The challenger that prices requests beside production."""
