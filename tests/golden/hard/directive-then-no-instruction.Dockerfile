# syntax=a
