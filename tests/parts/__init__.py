"""Parts as others write them, one file each: test_one_file.py drops them into hl_cli, or installs them."""
