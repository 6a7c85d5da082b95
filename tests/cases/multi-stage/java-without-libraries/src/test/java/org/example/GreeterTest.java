package org.example;

import org.junit.jupiter.api.Test;

class GreeterTest {
    @Test
    void greets() {
        Greeter.main(new String[0]);
    }
}
