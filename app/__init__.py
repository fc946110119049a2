"""A web page that names the sign on a picture and shows the test mistakes: `make app`."""
