# Notes are files below storage; how often the page was read is kept in the cache.
class NotesController < ActionController::API
  STORAGE = Rails.root.join("storage")

  def index
    reads = Rails.cache.fetch("reads") { 0 } + 1
    Rails.cache.write("reads", reads)
    log = Rails.root.join("log/production.log")
    render json: { notes: STORAGE.glob("*.txt").sort.map(&:read), reads: reads, logged: log.exist? && log.size.positive?,
                   pid: Rails.root.join("tmp/pids/server.pid").exist? }
  end

  def create
    STORAGE.mkpath
    STORAGE.join("#{STORAGE.glob("*.txt").size + 1}.txt").write(params.require(:text))
    head :created
  end
end
