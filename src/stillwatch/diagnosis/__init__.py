"""What logs would be read as, before they are read: their format, what lacks, and a mapping file for the rest."""
