package shop;

@Component
public class Pictures {
    @Value("${shop.pictures.folder}")
    private String folder;

    void keep(MultipartFile file) throws IOException {
        Path place = Path.of(folder);
        Files.createDirectories(place);
        file.transferTo(place.resolve(file.getOriginalFilename()));
    }
}
