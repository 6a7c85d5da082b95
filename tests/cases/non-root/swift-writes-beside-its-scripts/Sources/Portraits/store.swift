import Foundation

struct Store {
    let folder: String

    func keep(_ picture: Data, of name: String) -> Bool {
        FileManager.default.createFile(atPath: folder + "/portraits/" + name, contents: picture)
    }
}
