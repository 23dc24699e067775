"""What every room's API stands on: signed keys, errors of one form, pages by cursor."""
