package shop;

@SpringBootApplication
class Shop {
    public static void main(String[] args) {
        SpringApplication.run(Shop.class, args);
    }
}
