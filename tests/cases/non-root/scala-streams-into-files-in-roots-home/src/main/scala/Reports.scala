import akka.stream.scaladsl.FileIO
import java.nio.file.Paths

object Reports {
  def keep(name: String) = FileIO.toPath(Paths.get(name))
}
