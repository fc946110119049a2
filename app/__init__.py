"""A web page that names the sign in a picture and shows the mistakes on the test split: `make app`."""
