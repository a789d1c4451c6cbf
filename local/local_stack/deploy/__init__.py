"""Deploy the template to the local endpoint, and write the files of its users."""
