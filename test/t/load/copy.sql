-- COPY from a file of the server; the path comes in as a variable.
COPY item (amount, qty, note) FROM ':copy_file';
