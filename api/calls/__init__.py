"""What can be asked at every door: request and answer structs, and where HTTP carries them. No work is done here."""
