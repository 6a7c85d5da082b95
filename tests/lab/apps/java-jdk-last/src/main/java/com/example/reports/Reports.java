package com.example.reports;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.logging.FileHandler;
import java.util.logging.Logger;

public class Reports {
    public static void main(String[] args) throws IOException {
        Path logs = Path.of("logs");
        Files.createDirectories(logs);
        Logger log = Logger.getLogger("reports");
        log.addHandler(new FileHandler("logs/reports.log"));
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.createContext("/report", exchange -> {
            log.info("report");
            Path draft = Files.createTempFile("report", ".txt");
            Files.writeString(draft, "total: 42\n", StandardOpenOption.APPEND);
            byte[] body = Files.readAllBytes(draft);
            Files.delete(draft);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.createContext("/logged", exchange -> {
            boolean logged = Files.readString(logs.resolve("reports.log")).contains("report");
            byte[] body = (logged + "\n").getBytes();
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
