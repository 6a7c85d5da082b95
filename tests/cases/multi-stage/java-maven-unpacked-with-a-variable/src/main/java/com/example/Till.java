package com.example;

public class Till {}
