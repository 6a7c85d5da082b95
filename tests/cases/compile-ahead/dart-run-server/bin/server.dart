void main(List<String> arguments) {}
