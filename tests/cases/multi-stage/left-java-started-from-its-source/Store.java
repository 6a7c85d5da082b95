public class Store {
    public static void main(String[] args) {
        System.out.println("open");
    }
}
