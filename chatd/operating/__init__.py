"""What whoever runs a server needs: health, backups, and what is unsafe."""
