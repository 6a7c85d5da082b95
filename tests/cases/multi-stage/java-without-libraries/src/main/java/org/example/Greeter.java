package org.example;

public final class Greeter {
    public static void main(String[] arguments) {
        System.out.println("Good morning");
    }
}
