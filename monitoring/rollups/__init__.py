"""What reports count, kept by quarters of an hour and by days, so that a year is read at once."""
