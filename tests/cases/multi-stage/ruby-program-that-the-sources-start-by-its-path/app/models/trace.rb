class Trace
  def kind(path)
    Open3.capture2("/usr/bin/file", "-Lb", path).first.chomp
  end

  def unpack(path, to)
    system("unzip", "-p", path, :out => to)
  end
end
