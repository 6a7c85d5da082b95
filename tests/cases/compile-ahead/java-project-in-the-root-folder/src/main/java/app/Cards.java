package app;
public class Cards {}
