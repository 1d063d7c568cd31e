"""From fetched bytes to the bytes of files: selectors, formats, templates. Pure."""
