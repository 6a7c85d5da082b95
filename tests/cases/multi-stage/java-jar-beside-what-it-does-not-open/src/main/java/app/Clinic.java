package app;
public class Clinic { public static void main(String[] args) { System.out.println("open"); } }
