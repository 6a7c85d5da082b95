const api = process.env.NEXT_PUBLIC_API_URL || "http://localhost:8000";

export default function Home() {
  return <a href={`${api}/goods`}>Goods</a>;
}
