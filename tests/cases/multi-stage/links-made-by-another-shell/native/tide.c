int tide(int hour) { return hour % 12; }
