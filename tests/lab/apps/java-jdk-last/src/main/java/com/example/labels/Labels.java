package com.example.labels;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

/** Says what is asked for in capital letters. */
public final class Labels {
    public static void main(String[] args) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(8082), 0);
        server.createContext("/", exchange -> {
            byte[] label = exchange.getRequestURI().getPath().substring(1).toUpperCase().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, label.length);
            exchange.getResponseBody().write(label);
            exchange.close();
        });
        server.start();
    }
}
