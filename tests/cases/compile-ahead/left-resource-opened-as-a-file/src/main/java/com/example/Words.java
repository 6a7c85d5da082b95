package com.example;

import java.io.File;
import java.util.Objects;

class Words {
    File folder() {
        return new File(Objects.requireNonNull(
            Words.class.getResource("/words")).getFile());
    }
}
