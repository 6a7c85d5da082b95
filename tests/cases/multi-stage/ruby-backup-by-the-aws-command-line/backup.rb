require "rufus-scheduler"

scheduler = Rufus::Scheduler.new
scheduler.every("1d") do
  system("pg_dump #{ENV['DATABASE']} | gzip | aws s3 cp - s3://#{ENV['BUCKET']}/#{Time.now.to_i}.gz")
end
scheduler.join
