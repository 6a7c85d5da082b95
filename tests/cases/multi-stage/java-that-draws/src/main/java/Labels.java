import java.awt.image.BufferedImage;

class Labels {
    static BufferedImage blank() { return new BufferedImage(200, 80, BufferedImage.TYPE_INT_RGB); }
}
