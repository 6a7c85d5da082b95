package mail;

class Mail {
    public static void main(String[] args) {
        System.out.println("sent");
    }
}
