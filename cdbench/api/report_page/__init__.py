"""What is gathered of a database for one page of HTML, a module a group of sections."""
