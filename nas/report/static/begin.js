// Last of all.
begin();
