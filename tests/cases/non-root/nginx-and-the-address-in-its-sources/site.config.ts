export const uploadPath = process.env.UPLOAD_PATH || '/studio/uploads'
