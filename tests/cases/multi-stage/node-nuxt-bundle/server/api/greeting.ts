export default defineEventHandler(() => 'good day')
