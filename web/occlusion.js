// Occlusion sensitivity, as gtsrb/reporting/occlusion_sensitivity.py: the drop in log-odds of the answer when a patch is covered.
const logOdds = (probabilities, best) => {
  const others = probabilities.reduce((sum, p, i) => (i === best ? sum : sum + p), 0);
  return Math.log(Math.max(probabilities[best], 1e-30) / Math.max(others, 1e-30));
};

// Between two patches, so that the page answers at once
const letOthersWork = () => new Promise((resume) => setTimeout(resume));

// {picture, box} of `cut` and the class that is named -> Float32Array of height x width, the mean drop over the patches that cover
// a pixel; null if stopped
export async function occlusionMap({ picture, box }, best, answer, isCurrent) {
  const { pixels, width, height } = picture;
  const { probabilities } = await answer(picture, box);
  const whole = logOdds(probabilities, best);
  const mean = [0, 1, 2].map((channel) => pixels.reduce((sum, v, i) => (i % 4 === channel ? sum + v : sum), 0) / (width * height));
  const side = Math.floor(Math.sqrt(width * height)), patch = Math.floor(side / 4), step = Math.max(1, Math.floor(side / 12));
  const drops = new Float32Array(width * height), counts = new Float32Array(width * height);
  for (let top = step - patch; top < height; top += step) {
    for (let left = step - patch; left < width; left += step) {
      const covered = pixels.slice(), area = [];
      for (let y = Math.max(top, 0); y < Math.min(top + patch, height); y++) {
        for (let x = Math.max(left, 0); x < Math.min(left + patch, width); x++) area.push(y * width + x);
      }
      for (const i of area) covered.set(mean, 4 * i);
      const drop = whole - logOdds((await answer({ pixels: covered, width, height }, box)).probabilities, best);
      await letOthersWork();
      if (!isCurrent()) return null;
      for (const i of area) {
        drops[i] += drop;
        counts[i] += 1;
      }
    }
  }
  return drops.map((drop, i) => drop / counts[i]);
}
