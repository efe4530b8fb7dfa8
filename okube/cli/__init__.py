"""The command line: a file a noun; nothing but client calls and rendering."""
